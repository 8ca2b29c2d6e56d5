package text

import (
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"syscall"
)

// headSize is how many bytes at the beginning of a part are compared.
const headSize = 4 << 10

// A version tells a file from another one that took its name, and from itself with other content.
type version struct {
	Device, Inode uint64
	Size          int64
	Modified      int64 // in nanoseconds since 1970
}

func versionOf(info os.FileInfo) version {
	v := version{Size: info.Size(), Modified: info.ModTime().UnixNano()}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		v.Device, v.Inode = uint64(stat.Dev), stat.Ino
	}
	return v
}

// remember notes in p which file it is cut from.
func (p *Part) remember(f *os.File, info os.FileInfo) (err error) {
	p.Version = versionOf(info)
	p.Head, err = p.head(f)
	return err
}

// unchanged returns an error if f is no longer what p was cut from. The file may have grown, as
// long as the part has not changed.
func (p *Part) unchanged(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return readError(p.Name, err)
	}
	now := versionOf(info)
	if now == p.Version {
		return nil
	}
	if now.Device != p.Version.Device || now.Inode != p.Version.Inode {
		return fmt.Errorf("%s: was replaced while it was read: run it again", p.Name)
	}
	if now.Size > p.Version.Size {
		if head, err := p.head(f); err != nil || head == p.Head {
			return err
		}
	}
	return fmt.Errorf("%s: was changed while it was read: run it again", p.Name)
}

// head returns a hash of the first bytes of the part.
func (p *Part) head(r io.ReaderAt) (uint64, error) {
	block := make([]byte, min(headSize, p.Length))
	if err := readBlock(r, p.Name, block, p.Offset); err != nil {
		return 0, err
	}
	hash := fnv.New64a()
	hash.Write(block)
	return hash.Sum64(), nil
}
