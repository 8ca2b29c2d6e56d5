package manager_test

import (
	"mrrun/mapreduce/manager"
	"mrrun/mapreduce/manager/remote"
)

func init() {
	manager.NewKey, manager.Listen, manager.DialRemote = remote.NewKey, remote.Listen, remote.Dial
}
