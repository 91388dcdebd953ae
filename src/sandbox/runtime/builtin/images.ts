import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Beside this file and with its extension: `.ts` in a checkout, `.js` in the package. */
const script = (name: string) =>
  fileURLToPath(new URL(`./${name}${extname(import.meta.url)}`, import.meta.url))

/** What the sandbox can run without a command, by the image's repository (its tag does not matter). */
const builtins: Record<string, readonly string[]> = {
  'isthmus.dev/sandbox/pause': [script('pause')],
  'isthmus.dev/sandbox/http-echo': [script('http-echo')],
}

/** The command of a built-in image, or undefined. */
export function builtinCommand(image: string): string[] | undefined {
  const repository = image.replace(/@.*$/, '').replace(/:[^/:]*$/, '')
  const found = builtins[repository]
  return found && [process.execPath, ...found]
}
