// Package unnamed makes files that have no name in any directory: nothing of them stays, however
// their process ends.
package unnamed

import "os"

// File opens a new file in the file system of dir, for reading and writing.
func File(dir string) (*os.File, error) { return open(dir) }

// Link gives a file of [File] the name path, so that the complete file appears at once. It fails if
// the name exists, or if the system or the file system of path cannot do so.
func Link(file *os.File, path string) error { return link(file, path) }

// Reserve allocates room for size bytes in file, so that no write below size fails for lack of
// room. The file's content and size stay as they are. Where the system cannot do so, Reserve does
// nothing.
func Reserve(file *os.File, size int64) error { return reserve(file, size) }

// removed makes a file and removes its name at once.
func removed(dir string) (*os.File, error) {
	file, err := os.CreateTemp(dir, ".unnamed-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(file.Name()); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}
