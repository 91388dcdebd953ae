/**
 * Generates, from Kubernetes' own Go types (modules k8s.io/api and k8s.io/apimachinery, versions in
 * scripts/kubernetes-types/go.mod):
 *
 * - the protobuf table of src/protocol/protobuf: numbers, JSON names, pointers, omitempty;
 * - the merge keys of src/kube/patch;
 * - fixtures: what Kubernetes' own code makes of drawn objects, pods, patches and quantities.
 *
 *   node scripts/generate-kubernetes-types.go.ts            writes the files
 *   node scripts/generate-kubernetes-types.go.ts --check    exits 1 when one is not what would be written
 *
 * Needs Go; what is drawn has fixed seeds, so that the same versions give the same files.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = new URL('..', import.meta.url).pathname
const outputs: Record<string, string[]> = {
  'src/protocol/protobuf/table.generated.json': ['protobuf'],
  'src/kube/patch/merge-keys.generated.json': ['merge-keys'],
  'test/unit/protocol/fixtures/objects.generated.json': ['objects', '12'],
  'test/unit/kube/fixtures/pods.generated.json': ['pods', '200'],
  'test/unit/kube/fixtures/patches.generated.json': ['patches', '200'],
  'test/unit/kube/fixtures/quantities.generated.json': ['quantities'],
}

const directory = mkdtempSync(join(tmpdir(), 'kubernetes-types-'))
try {
  const binary = join(directory, 'kubernetes-types')
  execFileSync('go', ['build', '-o', binary, '.'], {
    cwd: join(root, 'scripts/kubernetes-types'),
    stdio: 'inherit',
  })
  for (const [path, command] of Object.entries(outputs)) {
    const text = execFileSync(binary, command, { encoding: 'utf8', maxBuffer: 1024 * 1024 * 1024 })
    if (!process.argv.includes('--check')) writeFileSync(join(root, path), text)
    else if (readFileSync(join(root, path), 'utf8') !== text) {
      console.error(
        `${path} is not what Kubernetes' types give: run node scripts/generate-kubernetes-types.go.ts`,
      )
      process.exitCode = 1
    }
  }
} finally {
  rmSync(directory, { recursive: true })
}
