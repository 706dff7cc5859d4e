package delivery

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// CheckHost refuses, when it is entered, a callback URL whose host is an address
// that would be refused at every connection: it is an early word for people. A
// name is judged by what it resolves to, when it is connected to.
func CheckHost(callbackURL string, hosted bool) error {
	u, err := url.Parse(callbackURL)
	if err != nil {
		return err
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	if hosted && (host == "localhost" || strings.HasSuffix(host, ".localhost")) {
		return fmt.Errorf("%w: %s", errAddress, host)
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return nil // a name
	}
	return checkAddress(netip.AddrPortFrom(ip, 1).String(), hosted)
}
