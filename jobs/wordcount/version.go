package wordcount

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

// remember notes in s which file it is cut from.
func (s *split) remember(f *os.File, info os.FileInfo) (err error) {
	s.Version = versionOf(info)
	s.Head, err = s.head(f)
	return err
}

// unchanged returns an error if f is no longer what s was cut from. The file may have grown, as
// long as the part has not changed.
func (s *split) unchanged(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return readError(s.Name, err)
	}
	now := versionOf(info)
	if now == s.Version {
		return nil
	}
	if now.Device != s.Version.Device || now.Inode != s.Version.Inode {
		return fmt.Errorf("%s: was replaced while it was read: run it again", s.Name)
	}
	if now.Size > s.Version.Size {
		if head, err := s.head(f); err != nil || head == s.Head {
			return err
		}
	}
	return fmt.Errorf("%s: was changed while it was read: run it again", s.Name)
}

// head returns a hash of the first bytes of the part.
func (s *split) head(r io.ReaderAt) (uint64, error) {
	block := make([]byte, min(headSize, s.Length))
	if err := readBlock(r, s.Name, block, s.Offset); err != nil {
		return 0, err
	}
	hash := fnv.New64a()
	hash.Write(block)
	return hash.Sum64(), nil
}
