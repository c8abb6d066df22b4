package policy

import (
	"net/netip"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// inNetwork adds in_network(address, '10.0.0.0/8') to the language. A prefix that cannot be read is an error, and an
// error denies; an address that is unknown is in no network.
func inNetwork() cel.EnvOption {
	return cel.Function("in_network", cel.Overload("in_network_string_string",
		[]*cel.Type{cel.StringType, cel.StringType}, cel.BoolType,
		cel.BinaryBinding(func(address, prefix ref.Val) ref.Val {
			p, err := netip.ParsePrefix(string(prefix.(types.String)))
			if err != nil {
				return types.NewErr("in_network: %v", err)
			}
			a, err := netip.ParseAddr(string(address.(types.String)))
			return types.Bool(err == nil && p.Contains(a.Unmap()))
		})))
}
