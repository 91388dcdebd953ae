import { fileURLToPath } from 'node:url'

const script = (name: string) => fileURLToPath(new URL(name, import.meta.url))

/** What the sandbox can run without a command, by the image's repository (its tag does not matter). */
const builtins: Record<string, readonly string[]> = {
  'isthmus.dev/sandbox/pause': [script('./pause.ts')],
  'isthmus.dev/sandbox/http-echo': [script('./http-echo.ts')],
}

/** The command of a built-in image, or undefined. */
export function builtinCommand(image: string): string[] | undefined {
  const repository = image.replace(/@.*$/, '').replace(/:[^/:]*$/, '')
  const found = builtins[repository]
  return found && [process.execPath, ...found]
}
