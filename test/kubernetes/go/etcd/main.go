// etcd's server as its own root package runs it; a module of our own is needed because etcd's go.mod has
// replace lines, which "go install …@version" refuses.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() {
	etcdmain.Main(os.Args)
}
