import './styles/base.css';
import { render } from 'preact';

const root = document.getElementById('app');
if (root) render(<main><h1>Ensemble</h1></main>, root);
