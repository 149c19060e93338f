import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Cryptography } from '../ports/crypto.ts';

export const nodeCryptography: Cryptography = {
  sha256: (text) => hash('sha256', text, 'buffer'),
  randomBytes,
  equalInConstantTime: timingSafeEqual,
};
