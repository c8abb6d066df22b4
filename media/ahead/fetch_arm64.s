#include "textflag.h"

// func fetch(p unsafe.Pointer, n int)
TEXT ·fetch(SB), NOSPLIT, $0-16
	MOVD p+0(FP), R0
	MOVD n+8(FP), R1
next:
	CMP  $0, R1
	BLE  done
	PRFM (R0), PLDL1KEEP
	ADD  $64, R0, R0
	SUB  $1, R1, R1
	B    next
done:
	RET
