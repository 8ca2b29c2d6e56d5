#include "textflag.h"

// What the kernels load: how far the centre of each lane is below that of lane 0, then the numbers
// of group, and the distance from one round to the next.
DATA ·below+0(SB)/8, $0.0
DATA ·below+8(SB)/8, $16.0
DATA ·below+16(SB)/8, $32.0
DATA ·below+24(SB)/8, $48.0
DATA ·below+32(SB)/8, $64.0
DATA ·below+40(SB)/8, $80.0
DATA ·below+48(SB)/8, $96.0
DATA ·below+56(SB)/8, $112.0
DATA ·below+64(SB)/8, $128.0
DATA ·below+72(SB)/8, $144.0
DATA ·below+80(SB)/8, $160.0
DATA ·below+88(SB)/8, $176.0
DATA ·below+96(SB)/8, $192.0
DATA ·below+104(SB)/8, $208.0
DATA ·below+112(SB)/8, $224.0
DATA ·below+120(SB)/8, $240.0
GLOBL ·below(SB), RODATA|NOPTR, $128

DATA ·eight+0(SB)/8, $8.0
GLOBL ·eight(SB), RODATA|NOPTR, $8
DATA ·sixtyOne+0(SB)/8, $61.0
GLOBL ·sixtyOne(SB), RODATA|NOPTR, $8
DATA ·stride+0(SB)/8, $256.0
GLOBL ·stride(SB), RODATA|NOPTR, $8
