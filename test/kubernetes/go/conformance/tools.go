//go:build tools

// Package conformance pins what the conformance run builds: upstream's suite, the ginkgo command line that
// starts it in parallel, and the program that most of its pods run.
package conformance

import (
	_ "github.com/onsi/ginkgo/v2/ginkgo"
	_ "k8s.io/kubernetes/test/e2e"
	_ "k8s.io/kubernetes/test/images/agnhost"
)
