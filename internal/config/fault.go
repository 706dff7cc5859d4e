package config

import (
	"crypto/tls"
	"fmt"
	"math"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"
)

// Faults are everything that is wrong with a configuration, a line each.
type Faults []string

func (f Faults) Error() string { return strings.Join(f, "\n") }

// Err is nil without faults.
func (f Faults) Err() error {
	if len(f) == 0 {
		return nil
	}
	return f
}

func (f *Faults) add(flag, format string, args ...any) {
	*f = append(*f, "--"+flag+": "+fmt.Sprintf(format, args...))
}

// address checks host:port.
func (f *Faults) address(flag, text string) string {
	host, port, err := net.SplitHostPort(text)
	_, perr := strconv.ParseUint(port, 10, 16)
	if err != nil || perr != nil || strings.ContainsAny(host, " /") {
		f.add(flag, "%q is not host:port", text)
	}
	return text
}

// number reads an integer of at least least; nil keeps what is there.
func (f *Faults) number(flag string, text *string, least int) *int {
	if text == nil || *text == "" {
		return nil
	}
	n, err := strconv.Atoi(*text)
	if err != nil || n < least {
		f.add(flag, "%q is not an integer of at least %d", *text, least)
		return nil
	}
	return &n
}

// units are the words for sizes; each is 1024 of the one before.
var units = []string{"B", "KB", "MB", "GB", "TB"}

// bytes reads a size such as 512MB; "" is 0.
func (f *Faults) bytes(flag, text string) int64 {
	number := strings.TrimRight(text, "BKMGTi")
	factor, known := int64(1), number == text
	for _, unit := range units {
		if word := text[len(number):]; known || word == unit || len(unit) > 1 && word == unit[:1]+"iB" {
			known = true
			break
		}
		factor <<= 10
	}
	if text == "" {
		return 0
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || !known || n < 0 || n > math.MaxInt64/factor {
		f.add(flag, "%q is no size such as 512MB", text)
		return 0
	}
	return n * factor
}

// oneOf checks a word; "" keeps what is there.
func (f *Faults) oneOf(flag, text string, words ...string) string {
	if text == "" {
		return ""
	}
	for _, w := range words {
		if text == w {
			return text
		}
	}
	f.add(flag, "%q is none of %s", text, strings.Join(words, ", "))
	return ""
}

// word is oneOf for a setting; nil keeps what is there.
func (f *Faults) word(flag, text string, words ...string) *string {
	if text = f.oneOf(flag, text, words...); text == "" {
		return nil
	}
	return &text
}

// secret is a value given by itself or as the name of a file that holds it.
func (f *Faults) secret(flag string, value *string, file string) *string {
	if file == "" {
		return value
	}
	if value != nil && *value != "" {
		f.add(flag, "give it or --%s-file, not both", flag)
		return nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		f.add(flag+"-file", "%v", err)
		return nil
	}
	s := strings.TrimRight(string(text), "\r\n")
	if s == "" {
		f.add(flag+"-file", "%s is empty", file)
		return nil
	}
	return &s
}

// file checks that a file can be read and returns what is in it.
func (f *Faults) file(flag, name string) string {
	if name == "" {
		return ""
	}
	text, err := os.ReadFile(name)
	if err != nil {
		f.add(flag, "%v", err)
	}
	return string(text)
}

// prefixes reads networks, comma separated; a single address is a network of one.
func (f *Faults) prefixes(flag, text string) (list []netip.Prefix) {
	for _, word := range split(text) {
		if a, err := netip.ParseAddr(word); err == nil {
			list = append(list, netip.PrefixFrom(a, a.BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(word)
		if err != nil {
			f.add(flag, "%q is no network such as 10.0.0.0/8", word)
			continue
		}
		list = append(list, p.Masked())
	}
	return list
}

// keyPair checks a certificate and its key: both or neither, readable, and made
// for each other.
func (f *Faults) keyPair(cert, key string) {
	f.pair("tls-cert", cert, "tls-key", key)
	before := len(*f)
	certPEM, keyPEM := f.file("tls-cert", cert), f.file("tls-key", key)
	if cert == "" || key == "" || len(*f) > before {
		return
	}
	if _, err := tls.X509KeyPair([]byte(certPEM), []byte(keyPEM)); err != nil {
		f.add("tls-cert", "%s with %s: %v", cert, key, err)
	}
}

// pair checks that of two flags both are given or neither.
func (f *Faults) pair(a, av, b, bv string) {
	if (av == "") != (bv == "") {
		f.add(a, "give --%s and --%s, or neither", a, b)
	}
}

func split(text string) (words []string) {
	for _, w := range strings.Split(text, ",") {
		if w = strings.TrimSpace(w); w != "" {
			words = append(words, w)
		}
	}
	return words
}

// duration reads a span of time that is not negative.
func (f *Faults) duration(flag, text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		f.add(flag, "%q is no span of time such as 90s or 5m", text)
	}
	return d
}
