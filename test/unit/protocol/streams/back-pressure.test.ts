import { Readable, type Writable } from 'node:stream'
import {
  exitCodeOf,
  exitStatus,
  pumpRemoteCommand,
  type RemoteCommandClient,
  type RemoteCommandServer,
} from '../../../../src/protocol/streams/index.ts'
import { eventually } from '../../../support/eventually.ts'
import t from '../../../support/tap.ts'
import { all, collect, commandServer, dialCommand } from './support.ts'

const TOTAL = 200 << 20
const CHUNK = 64 << 10
/** One leg's cap; two 256 KiB windows and what is on its way is all that a leg needs. */
const CAP = 1 << 20

/** A source of TOTAL bytes that counts what was taken from it, and may be told to end sooner. */
function source() {
  const counter = { produced: 0, total: TOTAL }
  const chunk = Buffer.alloc(CHUNK, 'x')
  const stream = new Readable({
    read() {
      const over = counter.produced >= counter.total
      if (!over) counter.produced += CHUNK
      this.push(over ? null : chunk)
    },
  })
  return { stream, counter }
}

/** Waits until nothing more is taken from the source: ten looks in a row see the same count. */
async function stalled(counter: { produced: number }): Promise<number> {
  let last = -1
  let same = 0
  await eventually('the source is paused', () => {
    same = counter.produced === last ? same + 1 : 0
    last = counter.produced
    return counter.produced > 0 && same >= 10
  })
  return counter.produced
}

/** Reads all and counts. */
async function drain(stream: Readable | null): Promise<number> {
  let bytes = 0
  for await (const chunk of stream ?? []) bytes += (chunk as Buffer).length
  return bytes
}

const limits = { maxBufferedBytes: CAP }

for (const protocol of ['v5.channel.k8s.io', 'SPDY/3.1 v4.channel.k8s.io']) {
  t.test(
    `${protocol}: 200 MB into a reader that does not read pause the source, under the cap`,
    async (t) => {
      const { stream, counter } = source()
      const legs: { bufferedBytes: number }[] = []
      const inner = await commandServer(
        t,
        async (client) => {
          legs.push(client)
          stream.pipe(client.stdout as Writable, { end: false })
          stream.once('end', () => void client.finish(exitStatus(0)))
        },
        { limits },
      )
      const outer = await commandServer(
        t,
        async (client) => {
          const server = await dialCommand(inner.port, protocol, all, { limits })
          legs.push(client, server)
          await pumpRemoteCommand(client, server)
        },
        { limits },
      )
      const command = await dialCommand(outer.port, protocol, all, { limits })
      command.stderr?.resume()

      const produced = await stalled(counter)
      t.ok(produced < TOTAL / 2, `the source stopped after ${produced} bytes`)
      t.equal(legs.length, 3)
      for (const leg of legs) t.ok(leg.bufferedBytes <= CAP, `${leg.bufferedBytes} bytes in a leg`)
      t.notOk(command.closed.aborted, 'the session is alive')

      counter.total = produced + (4 << 20) // the rest proves nothing more
      t.equal(await drain(command.stdout), counter.total, 'nothing is lost once it reads')
      t.equal(exitCodeOf(await command.status), 0)
    },
  )

  t.test(`${protocol}: 200 MB of stdin for a command that does not read pause the client`, async (t) => {
    let leg: RemoteCommandClient | undefined
    const { port } = await commandServer(
      t,
      (client) => {
        leg = client
      },
      { limits },
    )
    const { stream, counter } = source()
    const command: RemoteCommandServer = await dialCommand(port, protocol, all, { limits })
    stream.pipe(command.stdin as Writable)
    const produced = await stalled(counter)
    t.ok(produced < TOTAL / 2, `the client stopped after ${produced} bytes`)
    t.ok((leg?.bufferedBytes ?? CAP + 1) <= CAP)
    t.ok(command.bufferedBytes <= CAP)

    counter.total = produced + (4 << 20)
    t.equal(await drain(leg?.stdin ?? null), counter.total, 'nothing is lost once it reads')
    void leg?.finish(exitStatus(0))
    const [status] = await Promise.all([command.status, collect(command.stdout)])
    t.equal(exitCodeOf(status), 0)
  })
}
