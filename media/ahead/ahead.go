package ahead

import "unsafe"

// Line is the size of a cache line, in bytes.
const Line = 64

// Lines begins to fetch n cache lines from p on, and does not wait. Nothing is read: any n will do, and nil.
func Lines[T any](p *T, n int) { fetch(unsafe.Pointer(p), n) }

// Behind begins to fetch n cache lines of what an interface value points to: its second word.
func Behind[T any](value *T, n int) {
	if unsafe.Sizeof(*value) == 2*unsafe.Sizeof(uintptr(0)) {
		fetch((*[2]unsafe.Pointer)(unsafe.Pointer(value))[1], n)
	}
}
