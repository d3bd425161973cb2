package main

func ours() program { return program{plugins: register} }
