package config

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

var days = regexp.MustCompile(`^(\d{1,5})d$`)

// Duration understands days and plain seconds besides Go's durations.
func Duration(text string) (time.Duration, error) {
	var d time.Duration
	if m := days.FindStringSubmatch(text); m != nil {
		n, _ := strconv.Atoi(m[1]) // five digits
		d = time.Duration(n) * 24 * time.Hour
	} else if n, err := strconv.ParseUint(text, 10, 32); err == nil {
		d = time.Duration(n) * time.Second
	} else if d, err = time.ParseDuration(text); err != nil {
		return 0, fmt.Errorf("%q is no duration such as 180d or 24h", text)
	}
	if d < time.Second {
		return 0, fmt.Errorf("%q is shorter than a second", text)
	}
	return d, nil
}
