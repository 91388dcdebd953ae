// The image isthmus.dev/sandbox/http-echo: answers each request with TEXT, or with a line on the request and the
// pod. Listens on 127.0.0.1:$PORT, or on a free port that it prints.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const server = createServer((request, response) => {
  console.log(`${request.method} ${request.url}`)
  response.setHeader('content-type', 'text/plain')
  response.end(`${process.env['TEXT'] ?? `${request.method} ${request.url} at ${process.env['HOSTNAME']}`}\n`)
})
server.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1', () => {
  console.log(`listening on ${(server.address() as AddressInfo).port}`)
})
process.once('SIGTERM', () => {
  server.close()
  server.closeAllConnections()
})
