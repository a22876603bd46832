// Package nexproc is a nex.Backend that runs apps as processes of the operating system. It needs no daemon and no special
// rights.
//
//	backend := nexproc.New("/var/lib/ensemble/apps")
//	engine := nex.New(store, backend, authorizer)
//
// Each app is a session of its own with its own folder. It outlives the server, even one that is killed: the next Backend over
// the same folder takes it over, without a restart. A process is known again by its id, its start time, the machine's boot
// and a random token in its environment, so that no other process is ever taken for it, and a process whose server
// died between starting it and writing down its id is found too. A lock on the folder keeps two servers apart.
//
// What an app writes to its standard output and error goes to files, bounded in size, from which Logs reads. While no server
// runs, nobody cuts these files; the next one skips what is too much.
//
// # Isolation
//
// What there is: an environment with nothing of the server's, a home and temporary folder of its own, no inherited files,
// no_new_privs (no way to more rights by setuid programs), no core files, limits on open files and memory, a higher
// likelihood than the server's to be chosen when memory runs out, and, with [WithUser], another user than the server.
//
// What there is not: apps see each other's processes and ports, share the network and the file system, and those of one user
// can read each other's files and memory. CPU isn't limited. The limits are set just after the start. So it is for programs
// that the operator trusts; use containers for others.
//
// Only Linux is supported. Elsewhere the package compiles, and every call answers [ErrUnsupported].
package nexproc
