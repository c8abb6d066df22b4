import { englishNetwork } from './en-network.js';
import { wordsWith } from './index.js';
import { chineseNetwork } from './zh-network.js';

/** The page's words, and those of the network test. */
export const t = wordsWith(englishNetwork, chineseNetwork);
