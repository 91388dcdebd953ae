// Prints its effective user: a set-uid copy of it shows whether a container may gain privileges.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Printf("Effective uid: %d\n", os.Geteuid())
}
