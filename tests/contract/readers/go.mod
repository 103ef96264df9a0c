module readers

go 1.25.0

require (
	github.com/compose-spec/compose-go/v2 v2.9.0
	github.com/docker/cli v28.5.1+incompatible
	golang.org/x/crypto v0.43.0
)

require (
	github.com/docker/docker-credential-helpers v0.9.12 // indirect
	github.com/pkg/errors v0.9.1 // indirect
	github.com/sirupsen/logrus v1.9.0 // indirect
	golang.org/x/sys v0.37.0 // indirect
)
