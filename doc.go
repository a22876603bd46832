// Package ensemble is the root of the module; it holds no code. Import the package that you need.
package ensemble
