// Package packaging holds only tests: they keep the Makefile, the container
// image, the compose file, the CI scripts and the documents true to the code.
//
// It refuses to know what the program does; it asks whether what is around the
// program fits it. What is lost at its border: no container engine runs here. The
// image's build step is carried out on the Dockerfile's own build context, but
// that the base images exist, and that compose accepts the file, only
// `make docker-check` and the public CI can say.
package packaging
