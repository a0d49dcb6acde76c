/* Networks with one hidden layer (tanh) and one output (sigmoid), trained by full-batch gradient
   descent on the mean binary cross-entropy. LANES of them abreast, each number of one beside the
   same number of the next. theta: W1 (inputs x units), b1, W2, b2. */

#include <math.h>

#define MOST 16
#define EACH for (int k = 0; k < LANES; k++)

typedef double lanes[LANES];

void train(const double *X, const double *T, lanes *theta, lanes *losses,
           int rows, int inputs, int units, int epochs, double rate)
{
    lanes *W1 = theta, *b1 = W1 + inputs * units, *W2 = b1 + units, *b2 = W2 + units;
    lanes gradient[MOST * MOST], h[MOST], z, d;
    lanes *gW1 = gradient, *gb1 = gW1 + inputs * units, *gW2 = gb1 + units, *gb2 = gW2 + units;
    int count = inputs * units + 2 * units + 1;

    for (int epoch = 0; epoch < epochs; epoch++) {
        lanes loss;
        EACH loss[k] = 0.0;
        for (int i = 0; i < count; i++) EACH gradient[i][k] = 0.0;

        for (int row = 0; row < rows; row++) {
            const double *x = X + row * inputs, t = T[row];
            EACH z[k] = b2[0][k];
            for (int j = 0; j < units; j++) {
                EACH h[j][k] = b1[j][k];
                for (int i = 0; i < inputs; i++) EACH h[j][k] += x[i] * W1[i * units + j][k];
                EACH h[j][k] = tanh(h[j][k]);
                EACH z[k] += h[j][k] * W2[j][k];
            }
            EACH {
                double p = 1.0 / (1.0 + exp(-z[k]));
                d[k] = (p - t) / rows;
                loss[k] -= log(t > 0.5 ? p : 1.0 - p);
                gb2[0][k] += d[k];
            }
            for (int j = 0; j < units; j++) EACH {
                double dj = d[k] * W2[j][k] * (1.0 - h[j][k] * h[j][k]);
                gW2[j][k] += d[k] * h[j][k];
                gb1[j][k] += dj;
                for (int i = 0; i < inputs; i++) gW1[i * units + j][k] += dj * x[i];
            }
        }
        for (int i = 0; i < count; i++) EACH theta[i][k] -= rate * gradient[i][k];
        EACH losses[epoch][k] = loss[k] / rows;
    }
}
