package config

import (
	"fmt"
	"net/netip"
	"strings"
)

// ParseNetworks reads auth.networks: "name=prefix", a name as often as it has prefixes.
func ParseNetworks(list []string) (map[string][]netip.Prefix, error) {
	out := map[string][]netip.Prefix{}
	for _, item := range list {
		name, prefix, ok := strings.Cut(item, "=")
		p, err := ParsePrefix(strings.TrimSpace(prefix))
		if name = strings.TrimSpace(name); !ok || err != nil || !idPattern.MatchString(name) {
			return nil, fmt.Errorf("%q is not name=prefix", item)
		}
		out[name] = append(out[name], p)
	}
	return out, nil
}
