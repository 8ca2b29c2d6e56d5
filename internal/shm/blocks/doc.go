// Package blocks is the shared memory of large messages: a sender's pool of blocks, and a receiver's
// views of them.
package blocks
