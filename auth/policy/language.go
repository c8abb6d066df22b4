package policy

import (
	"fmt"
	"net/netip"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
)

// Networks are lists of prefixes by name, as the configuration gives them.
type Networks map[string][]netip.Prefix

var kinds = map[int]*cel.Type{
	vGroups: cel.ListType(cel.StringType), vFactorAge: cel.DurationType, vInCall: cel.BoolType, vRoomOwner: cel.BoolType,
	vRoomMember: cel.BoolType, vAt: cel.TimestampType, vHour: cel.IntType, vWeekday: cel.IntType, vKnown: cel.BoolType,
	vManaged: cel.BoolType, vNewDevice: cel.BoolType, vUnusual: cel.BoolType, vTravel: cel.BoolType, vParallel: cel.IntType,
	vFailures: cel.IntType,
}

func environment(n Networks) (*cel.Env, error) {
	opts := []cel.EnvOption{n.function()}
	for name, v := range names {
		kind := kinds[v]
		if kind == nil {
			kind = cel.StringType
		}
		opts = append(opts, cel.Variable(name, kind))
	}
	return cel.NewEnv(opts...)
}

// ResolveName is part of interpreter.Activation.
func (a activation) ResolveName(name string) (any, bool) {
	v, ok := names[name]
	if !ok {
		return nil, false
	}
	return a.value(v), true
}

// Parent is part of interpreter.Activation.
func (a activation) Parent() interpreter.Activation { return nil }

const inNetwork = "in_network"

// function adds in_network(address, 'office' or '10.0.0.0/8') to the language. What can be read neither as a list's name
// nor as a prefix is an error, and an error denies; an address that is unknown is in no network.
func (n Networks) function() cel.EnvOption {
	return cel.Function(inNetwork, cel.Overload("in_network_string_string",
		[]*cel.Type{cel.StringType, cel.StringType}, cel.BoolType,
		cel.BinaryBinding(func(address, network ref.Val) ref.Val {
			list, err := n.find(string(network.(types.String)))
			if err != nil {
				return types.NewErr("in_network: %v", err)
			}
			a, err := netip.ParseAddr(string(address.(types.String)))
			if err != nil {
				return types.False
			}
			a = a.Unmap()
			for _, p := range list {
				if p.Contains(a) {
					return types.True
				}
			}
			return types.False
		})))
}

func (n Networks) find(name string) ([]netip.Prefix, error) {
	if list, ok := n[name]; ok {
		return list, nil
	}
	p, err := netip.ParsePrefix(name)
	if err != nil {
		return nil, fmt.Errorf("%q is neither a network of the configuration nor a prefix", name)
	}
	return []netip.Prefix{p}, nil
}

// read walks an expression: the variables it asks for, and a network that is spelled out but does not exist.
func read(a *cel.Ast, n Networks) (uses []int, err error) {
	for _, r := range a.NativeRep().ReferenceMap() {
		if v, ok := names[r.Name]; ok {
			uses = append(uses, v)
		}
	}
	ast.PostOrderVisit(a.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != inNetwork {
			return
		}
		args := e.AsCall().Args()
		if last := args[len(args)-1]; last.Kind() == ast.LiteralKind {
			if s, ok := last.AsLiteral().(types.String); ok {
				if _, missing := n.find(string(s)); missing != nil {
					err = missing
				}
			}
		}
	}))
	return uses, err
}
