// Package unnamed makes files that have no name in any folder: nothing of them stays, however their process ends.
package unnamed

import "os"

// File opens a new file in the file system of dir, for reading and writing.
func File(dir string) (*os.File, error) { return open(dir) }

// Link gives a file of [File] the name path, where the system and the file system of path can do so and nothing has that
// name. It is the complete file that appears.
func Link(file *os.File, path string) error { return link(file, path) }

// Reserve takes the room for size bytes in file, whose content and size stay as they are, so that no write below size
// fails for want of it. Where the system cannot do so it does nothing.
func Reserve(file *os.File, size int64) error { return reserve(file, size) }

// removed makes a file and takes its name away at once.
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
