import { randomBytes } from 'node:crypto'
import {
  exitCodeOf,
  exitStatus,
  pumpRemoteCommand,
  type RemoteCommandClient,
} from '../../../../src/protocol/streams/index.ts'
import t from '../../../support/tap.ts'
import { all, collect, commandServer, dialCommand } from './support.ts'

const dialled = [
  'v5.channel.k8s.io',
  'SPDY/3.1 v5.channel.k8s.io',
  'SPDY/3.1 v4.channel.k8s.io',
  'SPDY/3.1 v3.channel.k8s.io',
  'SPDY/3.1 v2.channel.k8s.io',
]

/** Like `tee /dev/stderr; exit 7`, stderr prefixed. */
async function tee(client: RemoteCommandClient): Promise<void> {
  const input = await collect(client.stdin)
  client.stdout?.write(input)
  client.stderr?.write(`${input.length}`)
  await client.finish(exitStatus(7))
}

for (const protocol of dialled) {
  t.test(`${protocol}: stdin to its end, stdout, stderr and exit code come through whole`, async (t) => {
    const { port } = await commandServer(t, (client) => {
      t.equal(client.protocol, protocol)
      void tee(client)
    })
    const command = await dialCommand(port, protocol)
    const bytes = randomBytes(3 << 20)
    command.stdin?.end(bytes)
    const [out, err, status] = await Promise.all([
      collect(command.stdout),
      collect(command.stderr),
      command.status,
    ])
    t.ok(out.equals(bytes), 'stdout is what stdin was')
    t.equal(err.toString(), String(bytes.length))
    if (/v[45]/.test(protocol)) t.equal(exitCodeOf(status), 7)
    else t.match(status, { status: 'Failure', message: /exit code 7/ }, 'before v4 the text says it')
  })

  t.test(
    `${protocol}: two legs joined by the pump keep bytes, half-close, sizes and exit code`,
    async (t) => {
      const sizes: unknown[] = []
      const tty = { ...all, tty: true }
      const inner = await commandServer(
        t,
        (client) => {
          client.onResize((size) => sizes.push(size))
          void tee(client)
        },
        { streams: tty },
      )
      const counted = { in: 0, out: 0 }
      const outer = await commandServer(
        t,
        async (client) => {
          const server = await dialCommand(inner.port, 'v5.channel.k8s.io', tty)
          const onBytes = (way: 'in' | 'out', bytes: number) => {
            counted[way] += bytes
          }
          await pumpRemoteCommand(client, server, { onBytes })
        },
        { streams: tty },
      )
      const command = await dialCommand(outer.port, protocol, tty)
      t.equal(command.stderr, null, 'a tty has no stderr')
      command.resize({ width: 80, height: 25 })
      const bytes = randomBytes(1 << 20)
      command.stdin?.end(bytes)
      const [out, status] = await Promise.all([collect(command.stdout), command.status])
      t.ok(out.equals(bytes))
      t.same(counted, { in: bytes.length, out: bytes.length })
      if (/v[45]/.test(protocol)) t.equal(exitCodeOf(status), 7)
      if (/v[345]/.test(protocol)) t.same(sizes, [{ width: 80, height: 25 }])
    },
  )
}

t.test(
  'v4.channel.k8s.io: who only speaks v4 is understood too, though stdin cannot end there',
  async (t) => {
    const { port } = await commandServer(t, (client) => {
      client.stdin?.once('data', (bytes: Buffer) => {
        client.stdout?.write(bytes)
        void client.finish(exitStatus(4))
      })
    })
    const command = await dialCommand(port, 'v4.channel.k8s.io')
    command.stdin?.end('over v4')
    const [out, status] = await Promise.all([
      collect(command.stdout),
      command.status,
      collect(command.stderr),
    ])
    t.equal(out.toString(), 'over v4')
    t.equal(exitCodeOf(status), 4)
  },
)
