package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"gopkg.in/yaml.v3"

	"github.com/parley-im/parley/internal/config"
)

// file is the YAML file given with --config: values by the names of the flags,
// and apps. Flags and environment come before it.
type file struct {
	name   string
	values map[string]yaml.Node
	text   []byte
	faults config.Faults // keys that no command has
}

// loadFile finds the name of the file among the arguments or in the environment
// and reads it. Without one the file is empty.
func loadFile(args []string) (*file, error) {
	f := &file{name: os.Getenv("PARLEY_CONFIG")}
	for i, a := range args {
		if a == "--" {
			break
		}
		if v, ok := strings.CutPrefix(a, "--config="); ok {
			f.name = v
		} else if a == "--config" && i+1 < len(args) {
			f.name = args[i+1]
		}
	}
	if f.name == "" {
		return f, nil
	}
	text, err := os.ReadFile(f.name)
	if err != nil {
		return nil, fmt.Errorf("--config: %w", err)
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&f.values); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("--config: %s: %s", f.name, oneLine(err))
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("--config: %s: there is a second document behind ---", f.name)
	}
	f.text = text
	return f, nil
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

// Resolve gives kong the file's value of a flag.
func (f *file) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, name := range flag.Envs {
		if _, set := os.LookupEnv(name); set {
			return nil, nil // the environment comes before the file
		}
	}
	v, ok := f.values[flag.Name]
	switch {
	case !ok || v.Tag == "!!null":
		return nil, nil
	case v.Kind == yaml.ScalarNode:
		return v.Value, nil // as it is written: a key of digits is no number
	}
	return nil, fmt.Errorf("%s: %s must be a single value", f.name, flag.Name)
}

// Validate notes keys that no command has as a flag. They are told together with
// all other faults, so this is none.
func (f *file) Validate(app *kong.Application) error {
	known := []string{"apps"}
	var collect func(*kong.Node)
	collect = func(n *kong.Node) {
		for _, flag := range n.Flags {
			known = append(known, flag.Name)
		}
		for _, c := range n.Children {
			collect(c)
		}
	}
	collect(app.Node)
	f.faults = nil
	for key := range f.values {
		if !slices.Contains(known, key) {
			f.faults = append(f.faults, fmt.Sprintf("--config: %s: unknown key %q", f.name, key))
		}
	}
	slices.Sort(f.faults)
	return nil
}

// apps reads the list under apps:, refusing keys that T does not have. Its error
// holds all faults of the file's keys; the list is then of the entries without.
func apps[T any](f *file) ([]T, error) {
	if f.text == nil {
		return nil, nil
	}
	faults := slices.Clone(f.faults)
	var with struct {
		Apps []yaml.Node `yaml:"apps"`
	}
	if err := yaml.Unmarshal(f.text, &with); err != nil {
		return nil, append(faults, fmt.Sprintf("--config: %s: apps must be a list: %s", f.name, oneLine(err)))
	}
	var list []T
	for _, node := range with.Apps {
		text, err := yaml.Marshal(&node)
		if err != nil {
			faults = append(faults, fmt.Sprintf("--config: %s: apps: %s", f.name, oneLine(err)))
			continue
		}
		var app T
		d := yaml.NewDecoder(strings.NewReader(string(text)))
		d.KnownFields(true)
		if err := d.Decode(&app); err != nil {
			faults = append(faults, fmt.Sprintf("--config: %s: apps, entry at line %d: %s", f.name, node.Line, oneLine(err)))
			continue
		}
		list = append(list, app)
	}
	return list, faults.Err()
}
