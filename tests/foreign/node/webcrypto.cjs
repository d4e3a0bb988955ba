// Node 18, which Debian 12 carries, keeps the Web Crypto API in a module; the libraries look for the global of Node 20.
globalThis.crypto ??= require('node:crypto').webcrypto
