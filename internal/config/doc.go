// Package config turns flags, environment and the YAML file into checked
// settings. The raw values are texts, so that all faults can be told at once;
// each fault names the flag it is about. Nothing here prints a secret.
package config
