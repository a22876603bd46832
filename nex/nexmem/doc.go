// Package nexmem keeps nex's wishes in memory and runs its apps as http.Handlers in the same process. It is for tests, demos and
// programs whose apps need not outlive them.
package nexmem
