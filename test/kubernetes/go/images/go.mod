module isthmus.dev/test/images

go 1.26.0
