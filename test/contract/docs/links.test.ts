import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from '../../support/tap.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))

function documents(): string[] {
  const within = (folder: string) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => join(folder, name))
  return [...within('.'), ...within('docs'), ...within('docs/adr'), ...within('test/kubernetes')]
}

/** As GitHub makes an anchor of a heading. */
function anchors(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replace(/ /g, '-'),
  )
}

t.test('every link within the documents leads somewhere', async (t) => {
  let links = 0
  for (const document of documents()) {
    const text = readFileSync(join(root, document), 'utf8').replace(/```.*?```/gs, '')
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue
      links++
      const [path = '', anchor] = target.split('#')
      const file = path === '' ? document : join(dirname(document), path)
      const there = existsSync(join(root, file))
      t.ok(there, `${document}: ${target}`)
      if (!there || anchor === undefined) continue
      t.ok(anchors(readFileSync(join(root, file), 'utf8')).includes(anchor), `${document}: ${target}`)
    }
  }
  t.ok(links > 20, `${links} links were looked at`)
})
