#include "textflag.h"

#define BROADCAST(byte, X, Y) \
	MOVL $byte, AX; \
	VMOVD AX, X; \
	VPBROADCASTB X, Y

// MARK lower-cases the 32 bytes of TEXT in memory at AT, and leaves the bits of its delimiters in
// MASK. Bytes that are not ASCII are negative.
#define MARK(TEXT, AT, MASK) \
	VPCMPGTB Y8, TEXT, Y2; \
	VPCMPGTB TEXT, Y9, Y3; \
	VPAND Y2, Y3, Y2; \
	VPAND Y2, Y10, Y2; \
	VPOR Y2, TEXT, Y2; \
	VMOVDQU Y2, AT; \
	VPCMPEQB TEXT, Y11, Y2; \
	VPCMPGTB Y12, TEXT, Y3; \
	VPCMPGTB TEXT, Y13, Y4; \
	VPAND Y3, Y4, Y3; \
	VPOR Y2, Y3, Y2; \
	VPOR TEXT, Y2, Y2; \
	VPMOVMSKB Y2, MASK

// func markGroupsAVX2(text *byte, marks *uint64, groups int)
TEXT ·markGroupsAVX2(SB), NOSPLIT, $0-24
	MOVQ text+0(FP), SI
	MOVQ marks+8(FP), DI
	MOVQ groups+16(FP), CX
	BROADCAST(0x40, X8, Y8)   // 'A' - 1
	BROADCAST(0x5b, X9, Y9)   // 'Z' + 1
	BROADCAST(0x20, X10, Y10) // 'a' - 'A'
	BROADCAST(0x20, X11, Y11) // ' '
	BROADCAST(0x08, X12, Y12) // '\t' - 1
	BROADCAST(0x0e, X13, Y13) // '\r' + 1

loop:
	VMOVDQU (SI), Y0
	VMOVDQU 32(SI), Y1
	MARK(Y0, (SI), AX)
	MARK(Y1, 32(SI), BX)
	SHLQ $32, BX
	ORQ BX, AX
	MOVQ AX, (DI)
	ADDQ $64, SI
	ADDQ $8, DI
	DECQ CX
	JNZ loop
	VZEROUPPER
	RET
