// The image isthmus.dev/sandbox/pause: waits until it is told to end.
const timer = setInterval(() => {}, 2 ** 30)
process.once('SIGTERM', () => {
  clearInterval(timer)
})
