import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

export const sourceRoot = fileURLToPath(new URL('../../../src', import.meta.url))

export interface Import {
  /** Path under src of the importing file. */
  file: string
  /** A path under src, or a package's name. */
  target: string
  kind: 'own' | 'package' | 'node'
  typeOnly: boolean
  /** `import('…')`: at run time, when it is needed. */
  dynamic: boolean
}

/** Every TypeScript file under src, as paths under src. */
export function sourceFiles(): string[] {
  return readdirSync(sourceRoot, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .sort()
}

export function readSource(file: string): string {
  return readFileSync(join(sourceRoot, file), 'utf8')
}

const statement = /^\s*(?:import|export)\s+(type\s+)?(?:[^'"`;]*?\sfrom\s+)?['"]([^'"]+)['"]/gm
const dynamicImport = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g

/** The imports of a file; `import type` and dynamic ones are marked. */
export function importsOf(file: string): Import[] {
  const text = readSource(file)
  const found: Import[] = []
  for (const match of text.matchAll(statement))
    found.push(resolved(file, match[2] ?? '', match[1] !== undefined, false))
  for (const match of text.matchAll(dynamicImport)) {
    const before = text.slice(Math.max(0, (match.index ?? 0) - 12), match.index)
    found.push(resolved(file, match[1] ?? '', /(typeof|:|<|\|)\s*$/.test(before), true))
  }
  return found
}

function resolved(file: string, specifier: string, typeOnly: boolean, dynamic: boolean): Import {
  if (specifier.startsWith('node:')) return { file, target: specifier, kind: 'node', typeOnly, dynamic }
  if (!specifier.startsWith('.')) {
    const parts = specifier.split('/')
    const target = specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? '')
    return { file, target, kind: 'package', typeOnly, dynamic }
  }
  const target = relative(sourceRoot, resolve(sourceRoot, dirname(file), specifier))
  return { file, target, kind: 'own', typeOnly, dynamic }
}
