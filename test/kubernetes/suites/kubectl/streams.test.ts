// exec, attach, port-forward and cp over WebSockets and SPDY, at the user's cluster and at the gateway.
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { IPty } from '@lydell/node-pty'
import { eventually } from '../../../support/eventually.ts'
import t from '../../../support/tap.ts'
import { STAY } from '../../../support/world/workloads.ts'
import { WEB_IMAGE } from '../../harness/images.ts'
import { openStage, PROTOCOLS, printed, type Stage } from './stage.ts'

t.setTimeout(600_000)
const POD = 'streams'
const LARGE = 50 * 1024 * 1024

let stage: Stage
/** How much of the audit log has been read. */
let audited = 0
/** And of the gateways' logs. */
const logged = [0, 0]
t.before(async () => {
  stage = await openStage({ tenant: 'streams', gatewayEnv: { ISTHMUS_LOG_LEVEL: 'debug' } })
  const echo = 'while read line; do echo "got $line"; done'
  const image = stage.world.image
  const containers = [
    { name: 'main', image, command: ['sh', '-c', STAY] },
    { name: 'listener', image, command: ['sh', '-c', echo], stdin: true },
    { name: 'shell', image, command: ['sh'], stdin: true, tty: true },
    { name: 'web', image: WEB_IMAGE },
  ]
  await stage.apply(stage.pod(POD, { script: '', spec: { containers } }))
  await stage.ready(POD)
  streamVerbs() // what a run before has left in the log of clusters that are kept
})
t.teardown(() => stage?.close())

/** Everything that a terminal has shown. */
function shown(terminal: IPty): { text(): string; ended: Promise<number> } {
  let text = ''
  terminal.onData((data) => {
    text += data
  })
  const ended = new Promise<number>((resolve) => terminal.onExit(({ exitCode }) => resolve(exitCode)))
  return { text: () => text, ended }
}

const shows = (screen: { text(): string }, pattern: RegExp) =>
  eventually(
    `the terminal shows ${pattern}`,
    () => {
      if (pattern.test(screen.text())) return true
      throw new Error(JSON.stringify(screen.text()))
    },
    30_000,
  )

const digest = async (path: string) => {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

for (const { name: protocol, env } of PROTOCOLS) {
  for (const end of [0, 1] as const) {
    const where = `${end === 0 ? 'user cluster' : 'gateway'}, ${protocol}`
    const face = () => stage.faces[end]
    const exec = (command: string[], options: { flags?: string[]; input?: Buffer } = {}) =>
      face().kubectl(['exec', POD, '-c', 'main', ...(options.flags ?? []), '--', ...command], {
        env,
        input: options.input,
        allowFailure: true,
      })

    t.test(`exec keeps output, error output and exit code apart (${where})`, async (t) => {
      const ran = await exec(['sh', '-c', 'echo out; echo err >&2; exit 7'])
      t.equal(ran.code, 7)
      t.equal(ran.stdout, 'out\n')
      t.match(ran.stderr, 'err\ncommand terminated with exit code 7\n')
      const none = await exec(['no-such-program'])
      t.not(none.code, 0)
      t.match(none.stderr, /no-such-program/)
    })

    t.test(`exec takes its input to the end (${where})`, async (t) => {
      const input = randomBytes(1_000_000)
      const ran = await exec(['sha256sum'], { flags: ['-i'], input })
      t.equal(ran.stdout.split(' ')[0], createHash('sha256').update(input).digest('hex'))
      t.equal(ran.code, 0)
    })

    t.test(`exec -it has a terminal that follows kubectl's size (${where})`, async (t) => {
      const script = 'echo up; while read -r line; do $line; done'
      const args = ['exec', '-it', POD, '-c', 'main', '--', 'sh', '-c', script]
      const terminal = face().terminal(args, { cols: 90, rows: 25 }, env)
      const screen = shown(terminal)
      await shows(screen, /up\r\n/)
      // A size is on its way while the command is up already: asked for until it is there.
      const size = (text: string) =>
        eventually(`the terminal is ${text}`, async () => {
          const before = screen.text().length
          terminal.write('stty size\r')
          const [answer] = await eventually('an answer', () =>
            /\n\d+ \d+\r\n/.exec(screen.text().slice(before)),
          )
          return answer === `\n${text}\r\n`
        })
      await size('25 90')
      terminal.resize(120, 41)
      await size('41 120')
      terminal.write('exit 5\r')
      t.equal(await screen.ended, 5)
    })

    t.test(`attach follows a container's output and feeds its input (${where})`, async (t) => {
      const attached = face().start(['attach', '-i', POD, '-c', 'listener'], env)
      const word = randomBytes(4).toString('hex')
      attached.stdin.write(`${word}\n`)
      await printed(attached, new RegExp(`^got ${word}$`, 'm'))
      await attached.stop()
      const terminal = face().terminal(['attach', '-it', POD, '-c', 'shell'], { cols: 80, rows: 24 }, env)
      const screen = shown(terminal)
      terminal.write(`echo $((6*7))-${word}\r`)
      await shows(screen, new RegExp(`\n42-${word}\r\n`))
      terminal.kill()
      await screen.ended
      t.pass('both heard')
    })

    t.test(`port-forward answers 20 requests at once (${where})`, async (t) => {
      const forward = face().start(['port-forward', `pod/${POD}`, ':8080'], env)
      t.teardown(() => forward.stop())
      const [, port] = await printed(forward, /127\.0\.0\.1:(\d+) -> 8080/)
      const bodies = Array.from({ length: 20 }, () => randomBytes(100_000))
      const answers = await Promise.all(
        bodies.map(async (body) => {
          const reply = await fetch(`http://127.0.0.1:${port}/echo`, { method: 'POST', body })
          return Buffer.from(await reply.arrayBuffer())
        }),
      )
      t.ok(answers.every((answer, index) => answer.equals(bodies[index]!)))
      t.equal(answers.length, 20)
    })

    t.test(`cp carries 50 MB there and back unchanged (${where})`, async (t) => {
      const [sent, back] = [join(stage.world.dir, 'sent'), join(stage.world.dir, 'back')]
      writeFileSync(sent, randomBytes(LARGE))
      const options = { env, timeoutMs: 180_000 }
      await face().kubectl(['cp', sent, `${POD}:/tmp/large`, '-c', 'main'], options)
      const expected = await digest(sent)
      t.equal((await exec(['sha256sum', '/tmp/large'])).stdout.split(' ')[0], expected)
      await face().kubectl(['cp', `${POD}:/tmp/large`, back, '-c', 'main'], options)
      t.equal(await digest(back), expected)
    })
  }

  t.test(
    `none of the streams fell back: neither at the user cluster nor at the gateway (${protocol})`,
    async (t) => {
      const verbs = streamVerbs()
      t.same(upgrades(), [protocol === 'SPDY' ? 'POST SPDY/3.1' : 'GET websocket'])
      // A WebSocket is opened by GET, SPDY by POST; kubectl takes the other way silently when the first fails.
      t.same(Object.keys(verbs), ['attach', 'exec', 'portforward'])
      for (const [subresource, seen] of Object.entries(verbs)) {
        t.same(seen, [protocol === 'SPDY' ? 'create' : 'get'], subresource)
      }
    },
  )
}

/** How the streams at the gateways' Kubernetes face were asked for since the last call. */
function upgrades(): string[] {
  const seen = stage.world.gateways.flatMap((gateway, index) => {
    const log = gateway.log()
    const lines = log.slice(logged[index]).split('\n')
    logged[index] = log.length
    return lines
      .filter((line) => line.includes('"msg":"upgrade"') && line.includes(`/pods/${POD}/`))
      .map((line) => JSON.parse(line) as { method: string; protocol: string })
  })
  return [...new Set(seen.map(({ method, protocol }) => `${method} ${protocol}`))]
}

/** With which verbs the pod's streams were opened since the last call, by subresource. */
function streamVerbs(): Record<string, readonly string[]> {
  const log = readFileSync(stage.handles.users[0].auditLog, 'utf8')
  const events = log
    .slice(audited)
    .split('\n')
    .filter((line) => line.includes(`"${POD}"`))
    .map(
      (line) =>
        JSON.parse(line) as {
          verb: string
          objectRef?: { resource: string; name?: string; subresource?: string }
        },
    )
    .filter(({ objectRef }) => objectRef?.resource === 'pods' && objectRef.name === POD)
  audited = log.length
  const of = (subresource: string) =>
    events.filter(({ objectRef }) => objectRef?.subresource === subresource).map(({ verb }) => verb)
  return Object.fromEntries(
    ['attach', 'exec', 'portforward']
      .map((subresource) => [subresource, [...new Set(of(subresource))]] as const)
      .filter(([, verbs]) => verbs.length > 0),
  )
}
