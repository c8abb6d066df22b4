#include "textflag.h"

// func fetch(p unsafe.Pointer, n int)
TEXT ·fetch(SB), NOSPLIT, $0-16
	MOVQ p+0(FP), AX
	MOVQ n+8(FP), CX
next:
	TESTQ CX, CX
	JLE  done
	PREFETCHT0 (AX)
	ADDQ $64, AX
	DECQ CX
	JMP  next
done:
	RET
