#include "textflag.h"

// How far the centre of each lane is below that of lane 0.
DATA below256<>+0(SB)/8, $0.0
DATA below256<>+8(SB)/8, $16.0
DATA below256<>+16(SB)/8, $32.0
DATA below256<>+24(SB)/8, $48.0
DATA below256<>+32(SB)/8, $64.0
DATA below256<>+40(SB)/8, $80.0
DATA below256<>+48(SB)/8, $96.0
DATA below256<>+56(SB)/8, $112.0
DATA below256<>+64(SB)/8, $128.0
DATA below256<>+72(SB)/8, $144.0
DATA below256<>+80(SB)/8, $160.0
DATA below256<>+88(SB)/8, $176.0
DATA below256<>+96(SB)/8, $192.0
DATA below256<>+104(SB)/8, $208.0
DATA below256<>+112(SB)/8, $224.0
DATA below256<>+120(SB)/8, $240.0
GLOBL below256<>(SB), RODATA|NOPTR, $128

DATA eight256<>+0(SB)/8, $8.0
GLOBL eight256<>(SB), RODATA|NOPTR, $8
DATA sixtyOne256<>+0(SB)/8, $61.0
GLOBL sixtyOne256<>(SB), RODATA|NOPTR, $8
DATA stride256<>+0(SB)/8, $256.0
GLOBL stride256<>(SB), RODATA|NOPTR, $8

// func sumGroupsAVX2(sums *lanes, centre float64, rounds int64)
//
// Y0 to Y3 hold the sums of four lanes each, Y4 to Y7 their centres.
TEXT ·sumGroupsAVX2(SB), NOSPLIT, $0-24
	MOVQ sums+0(FP), DI
	MOVQ rounds+16(FP), CX
	VMOVUPD (DI), Y0
	VMOVUPD 32(DI), Y1
	VMOVUPD 64(DI), Y2
	VMOVUPD 96(DI), Y3
	VBROADCASTSD centre+8(FP), Y7
	VSUBPD below256<>+0(SB), Y7, Y4
	VSUBPD below256<>+32(SB), Y7, Y5
	VSUBPD below256<>+64(SB), Y7, Y6
	VSUBPD below256<>+96(SB), Y7, Y7
	VBROADCASTSD eight256<>(SB), Y8
	VBROADCASTSD sixtyOne256<>(SB), Y9
	VBROADCASTSD stride256<>(SB), Y10
	TESTQ CX, CX
	JLE done

round:
	VMULPD Y4, Y4, Y11
	VMULPD Y5, Y5, Y12
	VMULPD Y6, Y6, Y13
	VMULPD Y7, Y7, Y14
	VSUBPD Y9, Y11, Y11
	VSUBPD Y9, Y12, Y12
	VSUBPD Y9, Y13, Y13
	VSUBPD Y9, Y14, Y14
	VDIVPD Y11, Y8, Y11
	VDIVPD Y12, Y8, Y12
	VDIVPD Y13, Y8, Y13
	VDIVPD Y14, Y8, Y14
	VSUBPD Y10, Y4, Y4
	VSUBPD Y10, Y5, Y5
	VSUBPD Y10, Y6, Y6
	VSUBPD Y10, Y7, Y7
	VADDPD Y11, Y0, Y0
	VADDPD Y12, Y1, Y1
	VADDPD Y13, Y2, Y2
	VADDPD Y14, Y3, Y3
	DECQ CX
	JNZ round

done:
	VMOVUPD Y0, (DI)
	VMOVUPD Y1, 32(DI)
	VMOVUPD Y2, 64(DI)
	VMOVUPD Y3, 96(DI)
	VZEROUPPER
	RET
