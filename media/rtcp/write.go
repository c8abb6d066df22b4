package rtcp

// All writers append to dst and never allocate while it has room; give a buffer with capacity, such as buf[:0].

// AppendSR adds a sender report with report blocks (at most 31).
func AppendSR(dst []byte, s SenderInfo, blocks []Block) []byte { return dst }

// AppendRR adds a receiver report (at most 31 blocks).
func AppendRR(dst []byte, ssrc uint32, blocks []Block) []byte { return dst }

// AppendSDES adds a source description with the CNAME (at most 255 bytes).
func AppendSDES(dst []byte, ssrc uint32, cname string) []byte { return dst }

// AppendNACK adds a generic NACK for the sequence numbers, which must be in ascending (wrapping) order. It takes as
// many as fit in maxLen bytes of this part and returns the rest.
func AppendNACK(dst []byte, sender, media uint32, seqs []uint16, maxLen int) (out []byte, rest []uint16) {
	return dst, nil
}

// AppendPLI adds a picture loss indication.
func AppendPLI(dst []byte, sender, media uint32) []byte { return dst }

// AppendBye adds a BYE for one SSRC.
func AppendBye(dst []byte, ssrc uint32) []byte { return dst }
