package pgtest

import "syscall"

// namespaces is root as seen from a user namespace in which it is user 65534.
func namespaces(uid, gid int) []account {
	const inside = 65534
	return []account{{"root in a user namespace", uid, gid, &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: inside, HostID: uid, Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: inside, HostID: gid, Size: 1}},
	}}}
}
