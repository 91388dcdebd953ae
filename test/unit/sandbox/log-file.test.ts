import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readLog } from '../../../src/sandbox/runtime/logs/reader.ts'
import { type LogWriterOptions, openLogWriter } from '../../../src/sandbox/runtime/logs/writer.ts'
import { eventually } from '../../support/eventually.ts'
import t, { type Test } from '../../support/tap.ts'

async function open(t: Test, options: Partial<LogWriterOptions> = {}) {
  const dir = await mkdtemp(join(tmpdir(), 'isthmus-log-'))
  t.teardown(() => rm(dir, { recursive: true, force: true }))
  const path = join(dir, 'main', '0.log')
  const writer = openLogWriter(path, { onError: (error) => t.fail(error.message), ...options })
  return { dir, path, writer }
}

const text = async (body: AsyncIterable<Buffer>) => {
  let all = ''
  for await (const chunk of body) all += chunk
  return all
}

t.test('chunks cut anywhere become lines, each stream for itself', async (t) => {
  const { path, writer } = await open(t)
  writer.write('stdout', Buffer.from('one\ntw'))
  writer.write('stderr', Buffer.from('problem'))
  writer.write('stdout', Buffer.from('o\n'))
  writer.write('stderr', Buffer.from(' solved\nrest'))
  writer.end()
  t.equal(await text(readLog({ path })), 'one\ntwo\nproblem solved\nrest')
  t.equal(await text(readLog({ path, stream: 'Stderr' })), 'problem solved\nrest')
})

t.test('timestamps never run backwards', async (t) => {
  const { path, writer } = await open(t)
  for (let index = 0; index < 200; index++) writer.write('stdout', Buffer.from('x\n'))
  writer.end()
  const stamps = (await text(readLog({ path, timestamps: true }))).trim().split('\n')
  t.same(stamps, [...stamps].sort())
})

t.test('a log that grows too long goes on in a new file, and a follower misses nothing', async (t) => {
  const { dir, path, writer } = await open(t, { maxBytes: 2_000 })
  const body = readLog({ path, writer, follow: true })
  let seen = ''
  body.on('data', (chunk) => {
    seen += chunk
  })
  const ended = once(body, 'end')
  for (let index = 1; index <= 200; index++) {
    writer.write('stdout', Buffer.from(`line ${index}\n`))
    // behind by more than one file it would miss what is gone
    if (index % 10 === 0) await eventually('it has been read', () => seen.includes(`line ${index}\n`))
  }
  writer.end()
  await ended
  const lines = seen.trim().split('\n')
  t.equal(lines.length, 200)
  t.equal(lines.at(-1), 'line 200')
  t.ok(writer.rotations > 2)
  t.same((await readdir(join(dir, 'main'))).sort(), ['0.log', '0.log.1'], 'one file is put aside')
})

t.test('a follower that is slow reads on where it was', async (t) => {
  const { path, writer } = await open(t)
  const body = readLog({ path, writer, follow: true })
  const big = Buffer.from(`${'y'.repeat(1000)}\n`)
  for (let index = 0; index < 1_000; index++) writer.write('stdout', big)
  body.read(0)
  await eventually('it holds something', () => body.readableLength > 0)
  t.ok(body.readableLength < 300_000, 'a slow reader holds little')
  writer.end()
  t.equal((await text(body)).length, 1_001_000)
})
