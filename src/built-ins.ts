import type { BuiltIn } from './engine/built-ins.ts';

/** The handlers of the folder handlers/, each as the settings of this start want it. */
export function builtIns(): BuiltIn[] {
  return [];
}
