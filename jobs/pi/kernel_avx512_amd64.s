#include "textflag.h"

// func sumGroupsAVX512(sums *lanes, centre float64, rounds int64)
//
// Z0 and Z1 hold the sums of lanes 0 to 7 and 8 to 15, Z2 and Z3 their centres.
TEXT ·sumGroupsAVX512(SB), NOSPLIT, $0-24
	MOVQ sums+0(FP), DI
	MOVQ rounds+16(FP), CX
	VMOVUPD (DI), Z0
	VMOVUPD 64(DI), Z1
	VBROADCASTSD centre+8(FP), Z3
	VSUBPD ·below+0(SB), Z3, Z2
	VSUBPD ·below+64(SB), Z3, Z3
	VBROADCASTSD ·eight(SB), Z4
	VBROADCASTSD ·sixtyOne(SB), Z5
	VBROADCASTSD ·stride(SB), Z6
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
