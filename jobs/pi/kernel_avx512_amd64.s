#include "textflag.h"

// How far the centre of each lane is below that of lane 0.
DATA below512<>+0(SB)/8, $0.0
DATA below512<>+8(SB)/8, $16.0
DATA below512<>+16(SB)/8, $32.0
DATA below512<>+24(SB)/8, $48.0
DATA below512<>+32(SB)/8, $64.0
DATA below512<>+40(SB)/8, $80.0
DATA below512<>+48(SB)/8, $96.0
DATA below512<>+56(SB)/8, $112.0
DATA below512<>+64(SB)/8, $128.0
DATA below512<>+72(SB)/8, $144.0
DATA below512<>+80(SB)/8, $160.0
DATA below512<>+88(SB)/8, $176.0
DATA below512<>+96(SB)/8, $192.0
DATA below512<>+104(SB)/8, $208.0
DATA below512<>+112(SB)/8, $224.0
DATA below512<>+120(SB)/8, $240.0
GLOBL below512<>(SB), RODATA|NOPTR, $128

DATA eight512<>+0(SB)/8, $8.0
GLOBL eight512<>(SB), RODATA|NOPTR, $8
DATA sixtyOne512<>+0(SB)/8, $61.0
GLOBL sixtyOne512<>(SB), RODATA|NOPTR, $8
DATA stride512<>+0(SB)/8, $256.0
GLOBL stride512<>(SB), RODATA|NOPTR, $8

// func sumGroupsAVX512(sums *lanes, centre float64, rounds int64)
//
// Z0 and Z1 hold the sums of lanes 0 to 7 and 8 to 15, Z2 and Z3 their centres.
TEXT ·sumGroupsAVX512(SB), NOSPLIT, $0-24
	MOVQ sums+0(FP), DI
	MOVQ rounds+16(FP), CX
	VMOVUPD (DI), Z0
	VMOVUPD 64(DI), Z1
	VBROADCASTSD centre+8(FP), Z3
	VSUBPD below512<>+0(SB), Z3, Z2
	VSUBPD below512<>+64(SB), Z3, Z3
	VBROADCASTSD eight512<>(SB), Z4
	VBROADCASTSD sixtyOne512<>(SB), Z5
	VBROADCASTSD stride512<>(SB), Z6
	TESTQ CX, CX
	JLE done

round:
	VMULPD Z2, Z2, Z7
	VMULPD Z3, Z3, Z8
	VSUBPD Z5, Z7, Z7
	VSUBPD Z5, Z8, Z8
	VDIVPD Z7, Z4, Z7
	VDIVPD Z8, Z4, Z8
	VSUBPD Z6, Z2, Z2
	VSUBPD Z6, Z3, Z3
	VADDPD Z7, Z0, Z0
	VADDPD Z8, Z1, Z1
	DECQ CX
	JNZ round

done:
	VMOVUPD Z0, (DI)
	VMOVUPD Z1, 64(DI)
	VZEROUPPER
	RET
