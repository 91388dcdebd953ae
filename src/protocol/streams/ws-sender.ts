import type { WebSocket } from 'ws'
import { StreamError } from './stream-error.ts'

/** Sends messages with a bound on what waits in memory: `ws.send` alone would queue without end. */
export interface WsSender {
  /**
   * Queues a message. Null: go on. A promise: wait for it before the next one; it rejects when the socket is gone.
   * Control messages (status, close) may ignore it.
   */
  send(message: Buffer, binary: boolean): Promise<void> | null
  /** Bytes handed over and not yet taken by the kernel. */
  readonly pending: number
  /** Resolves when nothing waits any more, or the socket is gone. */
  flushed(): Promise<void>
}

interface Waiter {
  below: number
  resolve(): void
  reject(error: Error): void
}

export function createWsSender(ws: WebSocket, windowBytes: number): WsSender {
  let pending = 0
  let waiters: Waiter[] = []
  const gone = () => new StreamError('gone', 'the WebSocket is closed')
  const wait = (below: number) =>
    new Promise<void>((resolve, reject) => waiters.push({ below, resolve, reject }))
  const settle = () => {
    const due = waiters.filter((waiter) => pending <= waiter.below)
    if (due.length === 0) return
    waiters = waiters.filter((waiter) => pending > waiter.below)
    for (const waiter of due) waiter.resolve()
  }
  ws.once('close', () => {
    const all = waiters
    waiters = []
    for (const waiter of all) waiter.reject(gone())
  })
  return {
    send(message, binary) {
      if (ws.readyState !== ws.OPEN) return Promise.reject(gone())
      pending += message.length
      ws.send(message, { binary, compress: false }, () => {
        pending -= message.length
        settle()
      })
      return pending <= windowBytes ? null : wait(windowBytes >> 1)
    },
    get pending() {
      return pending
    },
    async flushed() {
      if (pending === 0 || ws.readyState === ws.CLOSED) return
      await wait(0).catch(() => undefined) // the socket is gone: nothing is left to flush
    },
  }
}
