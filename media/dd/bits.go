package dd

// bits reads big-endian bit fields. Reading beyond the end gives zeros and sets short.
type bits struct {
	b     []byte
	at    int // in bits
	short bool
}

// f reads n bits, at most 32.
func (r *bits) f(n int) uint32 {
	if r.at+n > len(r.b)*8 {
		r.short = true
		return 0
	}
	var v uint32
	for range n {
		v = v<<1 | uint32(r.b[r.at>>3]>>(7-r.at&7)&1)
		r.at++
	}
	return v
}

func (r *bits) flag() bool { return r.f(1) != 0 }

// ns reads a number below n in the shortest non-symmetric code.
func (r *bits) ns(n uint32) uint32 {
	w := 0
	for x := n; x != 0; x >>= 1 {
		w++
	}
	m := uint32(1)<<w - n
	v := r.f(w - 1)
	if v < m {
		return v
	}
	return v<<1 - m + r.f(1)
}
