// Package chart holds the Helm chart in deploy/chart: the real helm lints and renders
// it, and what it renders is decoded strictly into the types of Kubernetes, of the
// Prometheus operator and of KEDA. It is a module of its own, because helm and those
// types bring 140 modules that no worker needs. make chart-test runs it.
//
// It knows nothing of a cluster: nobody applies the objects.
package chart
