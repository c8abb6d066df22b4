//go:build amd64 || arm64

package ahead

import "unsafe"

//go:noescape
func fetch(p unsafe.Pointer, n int)
